curl http://localhost:8317/v0/management/config \
  -H "Authorization: Bearer your-secure-management-key"
