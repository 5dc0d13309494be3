"""The check-up of a small LAN by the person responsible for it: discover, identify, check, baseline, restart, report.

It imports ``core`` and ``measures`` only, so it installs without the ISP side's database engine and kernels.
"""
