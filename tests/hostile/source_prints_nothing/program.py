# Nothing but comments: it runs, and prints nothing.

# The end.