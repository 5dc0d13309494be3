"""Who writes to subscribers in tests: an operator whose names are plainly examples."""

OPERATOR_TOML = """
[operator]
name_ja = "サンプルネット"
name_en = "Sample Net"
contact_ja = "お客様サポート窓口"
contact_en = "Customer support"
telephone = "0120-000-000"
hours_ja = "9時から18時まで"
hours_en = "9 to 18 o'clock"
site = "www.isp.example"
"""
