curl -X POST http://localhost:8317/v0/management/auth-files \
  -H "Authorization: Bearer your-management-secret" \
  -F "file=@auth.json" \
  -F "channel=vertex" \
  -F "prefix=prod"
