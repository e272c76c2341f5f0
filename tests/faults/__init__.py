"""The fault campaign: simulated sessions in which everything goes wrong, each made from one seed."""
