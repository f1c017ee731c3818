"""Measures Greenroom and its peers under one load generator; see bench/README.md."""
