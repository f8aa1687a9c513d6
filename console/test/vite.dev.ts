// `npm run dev` and `npm run preview:dev`: the pages with the development API instead of the
// server. Sign in with nrl_development_key_0123456789.
import { fileURLToPath } from 'node:url';
import { type Connect, defineConfig, type Plugin } from 'vite';
import { DevelopmentApi } from './server/api.ts';

// As the real server sends it, so that a forbidden script or style is noticed here.
const POLICY = [
  "default-src 'self'",
  "img-src 'self' data:",
  "object-src 'none'",
  "base-uri 'none'",
  "form-action 'self'",
  "frame-ancestors 'none'",
].join('; ');

function developmentApi(): Plugin {
  const api = new DevelopmentApi();
  const middleware: Connect.NextHandleFunction = (request, response, next) => {
    api.handle(request, response).then((handled) => {
      if (!handled) next();
    }, next);
  };
  return {
    name: 'development-api',
    configureServer: ({ middlewares }) => void middlewares.use(middleware),
    configurePreviewServer: ({ middlewares }) => {
      middlewares.use((_request, response, next) => {
        response.setHeader('Content-Security-Policy', POLICY);
        next();
      });
      middlewares.use(middleware);
    },
  };
}

export default defineConfig({
  root: fileURLToPath(new URL('..', import.meta.url)),
  plugins: [developmentApi()],
  server: { host: '127.0.0.1', port: 5173 },
  preview: { host: '127.0.0.1', port: 4173 },
});
