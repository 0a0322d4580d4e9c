export MANAGEMENT_PASSWORD="your-secure-management-key"
