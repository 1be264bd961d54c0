"""Fills an account of the AWS double with an AI estate, twice over.

The `faulty` twin has one planted fault for every question the controls ask that
the double can hold; the `clean` twin is the same estate without them. Each
fault is recorded where it is planted, as the control that must find it and the
asset it must find it on.
"""
