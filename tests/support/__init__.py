"""What tests share: real services, real servers, real clients. `make cluster` starts the same services."""
