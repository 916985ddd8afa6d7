"""Where records live: the verbs (``base``), SQLite behind them (``sqlite``), and how text is folded for search (``terms``)."""
