"""The command line and the Python client: what a user of Statewise types."""
