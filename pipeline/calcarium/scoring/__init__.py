"""From islands to scores: lesions, named conventions, categories."""
