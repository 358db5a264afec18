"""The data rows of datasets: which items are to be linked, linking and unlinking them."""
