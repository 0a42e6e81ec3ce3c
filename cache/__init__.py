"""The decision: may this stored answer be served for this call?"""
