"""The operator's console: pages under `/console` over the same parts as the HTTP API, rendered here, without a build step.

In: forms and links of a browser. Out: HTML that asks nothing of any other machine.
"""
