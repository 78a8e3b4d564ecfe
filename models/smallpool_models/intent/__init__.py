"""What words mean in a marketplace: which texts teach it, and how it is judged; the net is under `training`, what serves under `encoders`.

In: titles with tags, searches, listings. Out: pairs of words and what they are meant to find, and figures.
"""
