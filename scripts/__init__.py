"""What a checkout needs beside its packages."""
