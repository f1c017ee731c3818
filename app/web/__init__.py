"""Glue between the outside and the services: errors, schemas, requests, socket events, logs. It knows no feature."""
