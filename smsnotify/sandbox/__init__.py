"""A provider on this machine: it speaks 8x8's and Twilio's HTTP and shows the phones."""
