curl http://localhost:8317/v0/management/auth-files \
  -H "Authorization: Bearer your-management-secret"
