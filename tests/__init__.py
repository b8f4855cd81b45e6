"""Tests of the package, and the tools that look for what is wrong with it."""
