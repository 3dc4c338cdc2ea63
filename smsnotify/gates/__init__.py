"""Checks that let a draft pass, hold it, redirect it or stop it, each with a reason word."""
