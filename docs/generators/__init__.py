"""The tables of the reference pages, made from the code that they describe."""
