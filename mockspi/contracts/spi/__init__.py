"""The SPIs, a file for each group of the vendor's tables."""
