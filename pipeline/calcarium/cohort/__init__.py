"""From the tables of a run to findings about a cohort."""
