"""Savings of cheaper forms of a network, each rebuilt and measured."""
