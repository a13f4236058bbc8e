"""Function tests of other languages than Python: values go in, values come out."""
