"""The version of this service, in one place: packaging, the API and the workers read it here."""

VERSION = "0.1.0"
