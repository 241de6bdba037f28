// How Vite bundles app/assets. tools/build_assets.py calls it and says where the result goes (--outDir).
import { defineConfig } from "vite";

export default defineConfig({
  root: "app/assets",
  // Relative addresses: the application may live under a path prefix on a ministry's server.
  base: "./",
  publicDir: false,
  css: { preprocessorOptions: { scss: { loadPaths: ["node_modules"], quietDeps: true } } },
  build: {
    manifest: "manifest.json",
    assetsDir: "",
    assetsInlineLimit: 0, // no data: addresses, so that a strict img-src stays possible
    modulePreload: false,
    reportCompressedSize: false,
    target: ["es2021", "chrome100", "firefox100", "safari15"],
    rolldownOptions: {
      // One line per entry; app/assets_manifest.py finds them under these names.
      input: ["app/assets/main.ts", "app/assets/theme.ts", "app/assets/main.scss"],
    },
  },
});
