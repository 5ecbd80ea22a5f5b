"""The gate: is the candidate good enough to replace what serves? Pure functions, no AWS.

questions   what candidate and live version are asked, and how their answers are read
promotion   from answers and withheld truth to a verdict
"""
