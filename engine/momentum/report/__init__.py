"""What a backtest leaves behind on the disk: its trades and equity as CSV, its numbers, and a page to read."""
