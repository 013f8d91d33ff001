"""DynamoDB, SQS and Lambda on this machine."""
