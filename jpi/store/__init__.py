"""DynamoDB: links, the ledger and the poll's cursor."""
