"""The version of this release (https://semver.org)."""

VERSION = "1.0.0"
