"""Commands for time series, whose rows are in order of time.

transfer.py    `mineral transfer`
lagged.py      `mineral lagged`
network.py     `mineral network`
"""
