"""Keeps links, processed ids and the poll's cursor in DynamoDB."""
