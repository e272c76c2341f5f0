"""The words of the domain as frozen dataclasses: no behaviour beyond what follows from the data itself.

Prices and money are float64 dollars, unrounded; quantities are whole shares; rates are fractions; moments
are aware datetimes in UTC; sessions are dates of the exchange's calendar.
"""
