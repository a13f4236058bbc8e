"""From a suite and a program to a verdict. Nothing here knows of namespaces."""
