import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

// The console is served by a node under /console/; in development requests go to a devnet's node0.
export default defineConfig({
  base: "/console/",
  plugins: [react()],
  build: { target: "es2022", chunkSizeWarningLimit: 1200, reportCompressedSize: true },
  server: { proxy: { "/api": "http://127.0.0.1:7100" } },
});
