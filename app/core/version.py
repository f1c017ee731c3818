"""The version of this release (https://semver.org)."""

VERSION = "0.1.0"
