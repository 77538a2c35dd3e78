"""Which files are the scan? Walk, read headers, index, group, select."""
