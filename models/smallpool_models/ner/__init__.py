"""Named entities of titles: labelled titles, tags, features, decoding and scores. numpy only: shared by training and serving."""
