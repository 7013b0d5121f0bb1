"""What is kept: solutions, their events, files and batches, in a database and a folder of files.

SQLite and a local folder for one server; PostgreSQL and an fsspec URL for several replicas.
"""
