"""Pictures that a person judges in seconds."""
