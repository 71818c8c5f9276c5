"""The version of isobuild."""

VERSION = "0.2.0"
