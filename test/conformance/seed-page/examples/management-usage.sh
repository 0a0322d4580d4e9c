curl http://localhost:8317/v0/management/usage \
  -H "Authorization: Bearer your-secure-management-key"
