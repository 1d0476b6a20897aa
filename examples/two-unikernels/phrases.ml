let hello = "Hello, and welcome."
let goodbye = "Goodbye, and come back."
