"""Batches: files of requests that are answered when nobody waits for the places.

`validation` checks the lines of a file, `keeper` takes batches from one status to the next,
`dispatcher` has lines answered, `results` writes the files.
"""
