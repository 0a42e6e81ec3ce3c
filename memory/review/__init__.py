"""The queue where a person decides, or a model that may."""
