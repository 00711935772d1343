"""The commands of the resources: a module for each, which is loaded when its command is used."""
