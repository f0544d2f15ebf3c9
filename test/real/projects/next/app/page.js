export default function Page() {
  return <h1>made by Next</h1>
}
