declare module "bootstrap/js/src/*";
